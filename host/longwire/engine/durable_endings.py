"""What durable requests end with that end here, in words for their pages."""

from longwire.protocol.errors import ErrorCode, Phase, StreamError


def forgotten() -> StreamError:
    """What the readers of a request are told that somebody forgets."""
    message = "the durable request was forgotten, by its page or with `longwire durable forget`"
    return StreamError(ErrorCode.STOPPED_BY_USER, message, Phase.BODY)


def stopped() -> StreamError:
    """What it ends with, for all who read it, where a person pressed Stop for one of them."""
    message = "the user stopped the durable request in the Longwire extension. What came before can be read"
    return StreamError(ErrorCode.STOPPED_BY_USER, message, Phase.BODY)


def kept_no_longer() -> StreamError:
    """What its readers are told when its time is over."""
    message = "the response is kept no longer: `keep` of the grant's durable is over"
    return StreamError(ErrorCode.GAP, message, Phase.BODY)


def detached_too_long(detached_ms: int) -> StreamError:
    """What it ends with that nobody reads."""
    message = (
        f"no page read the durable request for {detached_ms / 1000:g} s, which is what `detached` in its grant's "
        "durable allows. What came before can be read"
    )
    return StreamError(ErrorCode.DETACHED_TOO_LONG, message, Phase.BODY)
