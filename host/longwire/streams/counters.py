"""What one stream did on its way to the page, counted as it runs: for the log, `longwire doctor --report`, figures.

Plain numbers, a handful of additions for each chunk. They are complete once the terminal message is taken to be sent.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Bytes are plain body bytes, save `carried_bytes`: those are as the chunks had them, before base64."""

    pieces: int = 0  # as they came from upstream; by `chunks`, how far small ones were joined
    chunks: int = 0
    packed_chunks: int = 0  # of them, those that went compressed
    carried_bytes: int = 0
    most_queued_bytes: int = 0  # that waited for the pipe, or for credit
    credit_wait_s: float = 0.0  # that the exchange could not read on because the page had not

    def pushed(self, queued: int) -> None:
        """A piece came, and so many bytes wait."""
        self.pieces += 1
        self.most_queued_bytes = max(self.most_queued_bytes, queued)

    def left(self, carried: int, *, packed: bool) -> None:
        """A chunk left, which carried so many bytes."""
        self.chunks += 1
        self.packed_chunks += packed
        self.carried_bytes += carried

    def fields(self) -> dict[str, int]:
        """As the log has them: nothing where nothing was carried, so that a refused stream says nothing of it."""
        if not self.pieces:
            return {}
        return {
            "pieces": self.pieces,
            "chunks": self.chunks,
            "packed_chunks": self.packed_chunks,
            "carried_bytes": self.carried_bytes,
            "most_queued_bytes": self.most_queued_bytes,
            "credit_wait_ms": round(1000 * self.credit_wait_s),
        }
