"""Which addresses a fetch may go to: the open internet, and hosts that the operator named."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from whisperx_server.errors import Code, ServiceError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

# Look-ups cannot be broken off. On threads of their own those of slow names hold up other look-ups and nothing else.
_resolvers: Final = ThreadPoolExecutor(4, "resolver")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


async def allowed_addresses(host: str, port: int, allowed_hosts: Collection[str], timeout_s: float) -> Sequence[str]:
    """The addresses of a host, all of them allowed. Connect to these and not to the name, which may change meanwhile.

    Raises:
        ServiceError: `URL_NOT_ALLOWED` when any of them is not open, `URL_FETCH_FAILED` when there are none.
    """
    try:
        async with asyncio.timeout(timeout_s):
            found = await asyncio.get_running_loop().run_in_executor(_resolvers, _look_up, host, port)
    except (OSError, UnicodeError, TimeoutError):
        raise ServiceError(Code.URL_FETCH_FAILED, "The host of the url has no address.") from None
    addresses = list(dict.fromkeys(str(address[0]) for address in found))
    if not is_named(host, port, allowed_hosts) and not all(is_open(address) for address in addresses):
        message = "The url leads into a private network. Name its host in URL_ALLOWED_HOSTS if that is meant."
        raise ServiceError(Code.URL_NOT_ALLOWED, message)
    return addresses


def _look_up(host: str, port: int) -> list[tuple[object, ...]]:
    return [entry[4] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_named(host: str, port: int, allowed_hosts: Collection[str]) -> bool:
    """Whether the operator named that host, alone or with that port."""
    name = host.lower().rstrip(".")
    return name in allowed_hosts or f"{name}:{port}" in allowed_hosts


def is_open(address: str) -> bool:
    """Whether an address belongs to the open internet, also where it is wrapped in another."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    return all(part.is_global and not part.is_multicast and not part.is_reserved for part in _unwrapped(ip))


def _unwrapped(ip: IpAddress) -> Sequence[IpAddress]:
    """The address, or those inside it that packets would end up at."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    if ip.sixtofour is not None:
        return [ip.sixtofour]
    if ip in _NAT64:
        return [ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)]
    return [ip]
