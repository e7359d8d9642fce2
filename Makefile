# opsagent: everything a person does with the work tree. Quiet, and quick when there is nothing to do.
PYTHON ?= python3
BIN := .venv/bin
export WHEELS
# What the tests use of Debian: the services they break and the tools they break them with.
PACKAGES := redis-server nginx cron dbus polkitd strace iproute2 procps restic prometheus gcc libc6-dev

# Tests of booted hosts mostly wait, so there are more workers than processors. Those that share a host stay together,
# and the order is that of tests/conftest.py: what takes long comes first.
PARALLEL := -n 4 --dist loadscope --no-loadscope-reorder

.PHONY: help run test check bench install uninstall deb lock lintian clean packages
.DELETE_ON_ERROR:

help:
	@echo "make run        watch this host in the foreground: no settings, no root, nothing is touched"
	@echo "make test       run all tests, real systemd included (root)"
	@echo "make check      format, lint, types, known vulnerabilities (online), architecture, tests"
	@echo "make bench      measure the promises"
	@echo "make install    install as a service of this host (root)"
	@echo "make uninstall  take it off again; settings and memory stay (root)"
	@echo "make deb        build the Debian package: dist/opsagent_*.deb"
	@echo "make clean      remove what these commands made"

$(BIN)/.run: pyproject.toml scripts/environment.py
	@echo "setting up .venv …"
	@$(PYTHON) scripts/environment.py .venv -e .
	@touch $@

$(BIN)/.test: pyproject.toml scripts/environment.py
	@echo "setting up .venv with what the tests need …"
	@$(PYTHON) scripts/environment.py .venv -e '.[test]'
	@touch $@ $(BIN)/.run

run: $(BIN)/.run
	@$(BIN)/opsagent run

packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then scripts/packages.sh $(PACKAGES); fi

test: packages $(BIN)/.test
	@$(BIN)/python -m pytest -q $(PARALLEL) $(TESTS)

check: packages $(BIN)/.test
	@$(BIN)/ruff format --check -q
	@$(BIN)/ruff check -q
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/python packaging/audit.py
	@$(BIN)/python -m pytest -q tests/test_architecture.py
	@$(BIN)/python -m pytest -q $(PARALLEL) --ignore=tests/test_architecture.py

bench: $(BIN)/.test
	@$(BIN)/python -m bench

install:
	@scripts/install.sh

uninstall:
	@scripts/uninstall.sh

deb: $(BIN)/.run
	@packaging/build.sh

lintian: deb
	@scripts/packages.sh lintian
	@lintian --allow-root --fail-on error dist/opsagent_"$$(packaging/version.sh)"_*.deb

lock:
	@packaging/lock.sh

clean:
	@rm -rf .venv .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
