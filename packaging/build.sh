#!/bin/sh
# Builds dist/opsagent_VERSION_ARCHITECTURE.deb, and says its name, for the Python of this host, with an environment of its own inside.
# Usage: build.sh [VERSION [FOLDER]]     FOLDER: the opsagent package to take, where it is not the tree's own
# In the environment: WHEELS=folder, no network, all dependencies lie there; PIP, the pip that fetches them; DIST, where
# the package is put.
set -eu
cd "$(dirname "$0")/.."
version=${1:-$(packaging/version.sh)}
package=${2:-opsagent}
python=$(readlink -f /usr/bin/python3)
minor=${python##*python}
architecture=$(dpkg --print-architecture)
lock=packaging/requirements.lock
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
export SOURCE_DATE_EPOCH

# For the place it will have. Unchecked: these files change only with the package, and two builds give the same bytes.
compile() {
    "$python" -m compileall -q -j0 --invalidation-mode unchecked-hash -s "$1" -p "$2" "$1"
}

# What the lock names is fetched and compiled once: it is the same for every commit that leaves the lock alone.
packages=/usr/lib/opsagent/lib/python$minor/site-packages
site=build/site-$minor-$(sha256sum <$lock | cut -c 1-12)
if [ ! -d "$site" ]; then
    rm -rf "$site.new"
    # drain3 is published as source alone
    # shellcheck disable=SC2086 - a pip may be several words
    ${PIP:-.venv/bin/python -m pip} --python "$python" install -qq --disable-pip-version-check \
        --root-user-action ignore --no-deps --require-hashes --only-binary :all: --no-binary drain3 --no-compile \
        ${WHEELS:+--no-index --find-links "$WHEELS"} --target "$site.new" -r $lock
    rm -rf "$site.new/bin" # programs of the dependencies, which nobody calls
    compile "$site.new" "$packages"
    mv "$site.new" "$site"
fi

root=build/deb
home=$root/usr/lib/opsagent
share=$root/usr/share
doc=$share/doc/opsagent
rm -rf $root
install -d $root/DEBIAN $root/usr/bin $home/bin $home/share/monitoring $doc "$root$packages" $share/man/man1 $share/man/man5 \
    $root/usr/lib/systemd/system $root/usr/lib/sysusers.d $root/usr/lib/tmpfiles.d $share/lintian/overrides \
    $share/bash-completion/completions $share/zsh/vendor-completions $share/fish/vendor_completions.d

# The environment: an interpreter of Debian's, our dependencies, our package; nothing that could change it.
cp -al "$site/." "$root$packages"
cp -r "$package" "$root$packages/opsagent"
find "$root$packages/opsagent" -name __pycache__ -prune -exec rm -rf {} +
compile "$root$packages/opsagent" "$packages/opsagent"
printf 'home = /usr/bin\ninclude-system-site-packages = false\n' >$home/pyvenv.cfg
ln -s "$python" $home/bin/python3
ln -s python3 $home/bin/python
install -m 755 packaging/opsagent $home/bin/opsagent
ln -s ../lib/opsagent/bin/opsagent $root/usr/bin/opsagent

# What belongs beside it on a host. Units name the home that `make install` gives it; here it is another.
install -m 755 scripts/healthcheck.py scripts/settle.sh scripts/withdraw.sh $home/share
install -m 644 monitoring/* $home/share/monitoring
ln -s ../../../lib/opsagent/share/monitoring $doc/monitoring
install -m 644 systemd/*.service systemd/*.timer $root/usr/lib/systemd/system
sed -i 's|/opt/opsagent|/usr/lib/opsagent|' $root/usr/lib/systemd/system/*
install -m 644 systemd/opsagent.sysusers $root/usr/lib/sysusers.d/opsagent.conf
install -m 644 systemd/opsagent.tmpfiles $root/usr/lib/tmpfiles.d/opsagent.conf
install -m 644 packaging/lintian-overrides $share/lintian/overrides/opsagent

# What is written about it, and what it says of itself.
ours=$home/bin/python3
ln -s ../../../share/doc/opsagent $home/share/doc
install -m 644 README.md config/opsagent.yaml $lock packaging/copyright $doc
cp -r docs $doc && find $doc -name '*.py' -delete
gzip -9n <CHANGELOG.md >$doc/changelog.gz
gzip -9n >$doc/changelog.Debian.gz <<END
opsagent ($version) unstable; urgency=medium

  * What changed: /usr/share/doc/opsagent/changelog.gz

 -- $(sed -n 's/^Maintainer: //p' packaging/control)  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
$ours packaging/write_sbom.py "$version" >$doc/opsagent.cdx.json
$ours packaging/write_pages.py "$version" $share/man
completion() { _OPSAGENT_COMPLETE=source_$1 $ours -I $home/bin/opsagent >"$2"; }
completion bash $share/bash-completion/completions/opsagent
completion zsh $share/zsh/vendor-completions/_opsagent
completion fish $share/fish/vendor_completions.d/opsagent.fish

ln -sfn "../../..${python#/usr}" $home/bin/python3
for script in preinst postinst prerm postrm; do install -m 755 packaging/$script $root/DEBIAN; done
sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@MINOR@/$minor/; s/@NEXT@/3.$((${minor#3.} + 1))/
    s/@SIZE@/$(du -sk $root/usr | cut -f 1)/" packaging/control >$root/DEBIAN/control
chmod -R u=rwX,go=rX $root
(cd $root && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
made=${DIST:-dist}/opsagent_${version}_$architecture.deb
mkdir -p "${made%/*}"
# gzip: two seconds where xz takes half a minute, for half as many bytes more; Debian's lintian wants one of the two
dpkg-deb --root-owner-group -Zgzip -z4 --build $root "$made" >&2
echo "$made"
