"""All handlers under paths, for a browser in an end-to-end test or for looking at by hand."""

from dataclasses import dataclass

from tests.upstreams import bodies, coded, faults, redirects, sse, uploads
from tests.upstreams.server import Routes
from tests.upstreams.site import Site


@dataclass(frozen=True)
class App:
    """The routes, and the parts a test steers."""

    routes: Routes
    streams: sse.EventStreams
    site: Site


def make_app() -> App:
    """
    /bytes?size&seed&framing&piece   /digest?size&seed   /coded?size&seed&coding&cut   /endless
    /sse?channel                     /paced?events&per_second
    /redirect?status&to              /countdown?n
    /echo  /mirror  /early  /duplex  /fault/NAME (`faults.NAMED`)
    everything else: `site`
    """
    streams = sse.EventStreams()
    site = Site()
    routes = Routes(
        {
            "/bytes": bodies.random_bytes(),
            "/digest": bodies.digest_of,
            "/endless": bodies.endless,
            "/coded": coded.coded,
            "/sse": streams,
            "/paced": sse.paced,
            "/redirect": redirects.redirect,
            "/countdown": redirects.countdown,
            "/echo": uploads.echo,
            "/mirror": uploads.mirror,
            "/early": uploads.early(),
            "/duplex": uploads.duplex,
            **{f"/fault/{name}": handler for name, handler in faults.NAMED.items()},
            "/": site,
        }
    )
    return App(routes, streams, site)
