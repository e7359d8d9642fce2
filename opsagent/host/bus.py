"""One D-Bus connection that speaks to systemd alone: bounded calls, and signals from nobody but systemd.

Blocking and for one thread. A local user may send us any signal (the default bus policy allows it), so a signal
counts only when its sender is the present owner of systemd's name, and even then it is a hint, never a fact.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_method_call
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnectionBase, prep_socket

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEMD = "org.freedesktop.systemd1"
MANAGER_PATH = "/org/freedesktop/systemd1"
MANAGER = f"{SYSTEMD}.Manager"
UNIT = f"{SYSTEMD}.Unit"
PROPERTIES = "org.freedesktop.DBus.Properties"
DRIVER = "org.freedesktop.DBus"
_OWNER_CHANGES = f"type='signal',sender='{DRIVER}',member='NameOwnerChanged',arg0='{SYSTEMD}'"
# More than systemd sends in one breath; a longer queue means that we slept, and a resync is cheaper than reading it.
_QUEUE = 4096


class BusError(Exception):
    """The other side answered with an error: its D-Bus `name` and `text`."""

    def __init__(self, name: str, text: str) -> None:
        """Keep both parts; `str()` gives them as `name: text`."""
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class BusLostError(Exception):
    """No answer: the bus is not there, the connection broke, or the time was up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method call, on systemd where `destination` names no other service of the bus."""

    path: str
    interface: str
    member: str
    signature: str = ""
    body: tuple[object, ...] = ()
    destination: str = SYSTEMD


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal that really came from systemd (or, for a change of owner, from the bus itself)."""

    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


def manager_call(member: str, signature: str = "", *body: object) -> Call:
    """Return a call of the manager object."""
    return Call(path=MANAGER_PATH, interface=MANAGER, member=member, signature=signature, body=body)


def get_all(path: str, interface: str, destination: str = SYSTEMD) -> Call:
    """Return the call that reads all properties of an interface."""
    body = (interface,)
    return Call(path=path, interface=PROPERTIES, member="GetAll", signature="s", body=body, destination=destination)


def get(path: str, interface: str, name: str, destination: str = SYSTEMD) -> Call:
    """Return the call that reads one property."""
    body = (interface, name)
    return Call(path=path, interface=PROPERTIES, member="Get", signature="ss", body=body, destination=destination)


def address(scope: str) -> str:
    """Return the socket of the bus where the manager of `scope` (`system` or `user`) lives."""
    if scope == "system":
        return str(get_bus("SYSTEM"))
    spoken = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    return str(get_bus(spoken or f"unix:path=/run/user/{os.getuid()}/bus"))


class Bus:
    """A connection. `forged` counts the signals that were dropped because their sender was not systemd."""

    def __init__(self, scope: str, timeout: float = 5.0) -> None:
        """Connect, say Hello and learn who owns systemd's name; `timeout` (seconds) bounds this and every call."""
        self.timeout = timeout
        self.forged = 0
        self.overflowed = False
        self._owner = ""
        self._signals: deque[Signal] = deque(maxlen=_QUEUE)
        try:
            sock = prep_socket(address(scope), timeout=timeout)
            sock.settimeout(timeout)  # a bus that stops reading must not hold our thread in sendall
            self._wire = DBusConnectionBase(sock)
        except (OSError, ValueError, RuntimeError) as error:
            raise BusLostError(f"cannot reach the {scope} bus: {error}") from error
        try:
            self._driver("Hello")
            self.add_match(_OWNER_CHANGES)
            self._owner = self._driver("GetNameOwner", "s", SYSTEMD)[0]
        except BusError as error:
            self._wire.close()
            raise BusLostError(f"systemd is not on the {scope} bus: {error.text}") from error
        except BusLostError:
            self._wire.close()
            raise

    def close(self) -> None:
        """Close the connection; whatever else is done with it raises BusLostError."""
        self._wire.close()

    def add_match(self, rule: str) -> None:
        """Ask the bus for the signals that fit this rule."""
        self._driver("AddMatch", "s", rule)

    def remove_match(self, rule: str) -> None:
        """Take a rule back; a connection that is gone has none left."""
        with contextlib.suppress(BusError, BusLostError):
            self._driver("RemoveMatch", "s", rule)

    def call(self, call: Call, timeout: float | None = None) -> tuple[Any, ...]:
        """Make one call and return the body of its answer. Raises BusError and BusLostError."""
        answer = self.call_many((call,), timeout)[0]
        if isinstance(answer, BusError):
            raise answer
        return answer

    def call_many(self, calls: Sequence[Call], timeout: float | None = None) -> list[tuple[Any, ...] | BusError]:
        """Send all calls at once and return the answers in the same order; one error spoils only its own."""
        return self._exchange(calls, timeout)

    def next_signal(self, timeout: float) -> Signal | None:
        """Return the next signal, or None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not self._signals:
            try:
                self._sift(self._receive(deadline))
            except TimeoutError:
                return None
            if not self._signals and time.monotonic() > deadline:
                return None  # somebody floods us with what we drop
        return self._signals.popleft()

    def _driver(self, member: str, signature: str = "", *body: object) -> tuple[Any, ...]:
        answer = self._exchange([_driver_call(member, signature, body)], None)[0]
        if isinstance(answer, BusError):
            raise answer
        return answer

    def _exchange(self, calls: Sequence[Call], timeout: float | None) -> list[tuple[Any, ...] | BusError]:
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        serials = [self._send(call) for call in calls]
        answers: dict[int, tuple[Any, ...] | BusError] = {}
        try:
            while len(answers) < len(serials):
                if time.monotonic() > deadline:
                    raise BusLostError(f"no answer to {calls[0].member}, only other messages")
                message = self._receive(deadline)
                serial = message.header.fields.get(HeaderFields.reply_serial)
                if serial in serials:
                    answers[serial] = _answer(message)
                else:
                    self._sift(message)
        except TimeoutError as error:
            raise BusLostError(f"no answer to {calls[0].member}") from error
        return [answers[serial] for serial in serials]

    def _send(self, call: Call) -> int:
        target = DBusAddress(call.path, call.destination, call.interface)
        serial: int = next(self._wire.outgoing_serial)
        message = new_method_call(target, call.member, call.signature or None, call.body)
        try:
            self._wire.sock.sendall(message.serialise(serial=serial))
        except OSError as error:
            raise BusLostError(f"cannot send {call.member}: {error}") from error
        return serial

    def _receive(self, deadline: float) -> Message:
        """Return the next message; TimeoutError at the deadline (monotonic)."""
        while (message := self._wire.parser.get_next_message()) is None:
            self._wire.parser.add_data(self._chunk(deadline))
        return message

    def _chunk(self, deadline: float) -> bytes:
        if not self._readable(deadline):
            raise TimeoutError
        try:
            chunk: bytes = self._wire.sock.recv(65536)
        except OSError as error:
            raise BusLostError(f"the bus connection broke: {error}") from error
        if not chunk:
            raise BusLostError("the bus closed the connection")
        return chunk

    def _readable(self, deadline: float) -> bool:
        try:
            return bool(self._wire.selector.select(max(deadline - time.monotonic(), 0)))
        except (OSError, ValueError, KeyError, RuntimeError) as error:  # what a closed selector raises, by version
            raise BusLostError(f"the bus connection is closed: {error}") from error

    def _sift(self, message: Message) -> None:
        """Keep a signal of systemd or of the bus itself, count any other."""
        if message.header.message_type is not MessageType.signal:
            return
        fields = message.header.fields
        signal = Signal(
            path=fields.get(HeaderFields.path, ""),
            interface=fields.get(HeaderFields.interface, ""),
            member=fields.get(HeaderFields.member, ""),
            body=tuple(message.body),
        )
        sender = fields.get(HeaderFields.sender, "")
        if sender == DRIVER and signal.member != "NameOwnerChanged":
            return  # NameAcquired and its like: our own arrival
        if sender == DRIVER:
            self._owner = signal.body[2]
        elif sender != self._owner:
            self.forged += 1
            return
        self.overflowed = self.overflowed or len(self._signals) == _QUEUE
        self._signals.append(signal)


def _driver_call(member: str, signature: str, body: tuple[object, ...]) -> Call:
    path = "/org/freedesktop/DBus"
    return Call(path=path, interface=DRIVER, member=member, signature=signature, body=body, destination=DRIVER)


def _answer(message: Message) -> tuple[Any, ...] | BusError:
    if message.header.message_type is not MessageType.error:
        return tuple(message.body)
    text = message.body[0] if message.body and isinstance(message.body[0], str) else ""
    return BusError(message.header.fields.get(HeaderFields.error_name, "unnamed"), text)
