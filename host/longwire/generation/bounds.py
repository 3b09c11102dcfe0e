"""How much of an answer is kept at most. Sizes in bytes, or in characters where they say so."""

from typing import Final

# One line, and the data of one event. `response.completed` holds the whole answer once more.
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
# An answer that came in one piece.
MAX_WHOLE_BYTES: Final = 32 * 1024 * 1024
# Arguments of one call, while they are joined, and calls of one answer.
MAX_ARGUMENT_CHARS: Final = 1024 * 1024
MAX_CALLS: Final = 256
# Arguments of all calls that are not whole yet.
MAX_UNFINISHED_CHARS: Final = 4 * 1024 * 1024
# Different texts of one answer, and thoughts.
MAX_TEXTS: Final = 4_096
# Of a body that says why a request failed, and of the words of it that a page may see.
MAX_FAILURE_BYTES: Final = 64 * 1024
MAX_QUOTED_CHARS: Final = 300
MAX_NAME_CHARS: Final = 200
