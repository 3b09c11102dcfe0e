"""Every number that both ends must agree on, or that bounds a buffer, a queue, a count or a duration.

Sizes are bytes, durations are milliseconds where the name says `_MS` and seconds where it says `_S`. What is
exported to TypeScript is every upper-case name of this module; a number that only one room needs lives in
that room.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

PROTOCOL_VERSION: Final = 2

# --- frames -------------------------------------------------------------------------------------------------
# Chromium closes the port on a host frame over 1 MiB (measured: 1,048,576 pass, one more does not). Staying
# under a round million makes no off-by-one matter.
MAX_FRAME_TO_BROWSER: Final = 1_000_000
MAX_FRAME_TO_HOST: Final = MIB
# Browser and host are one machine; the length prefix is in its native byte order.
FRAME_HEADER_BYTES: Final = 4

# --- names and header fields --------------------------------------------------------------------------------
MAX_ID: Final = 2**53 - 1  # the largest integer that JavaScript counts exactly
MAX_URL_CHARS: Final = 64 * KIB
MAX_METHOD_CHARS: Final = 32
MAX_KIND_CHARS: Final = 32  # of an exchange, as in "http"
MAX_HEADER_PAIRS: Final = 256
MAX_HEADER_NAME_CHARS: Final = 256
MAX_HEADER_VALUE_CHARS: Final = 64 * KIB
MAX_HEADERS_CHARS: Final = 96 * KIB  # all request names and values together
MAX_MESSAGE_CHARS: Final = 1_000  # human text in an error

# --- body frames --------------------------------------------------------------------------------------------
CHUNK_SHARED_BYTES: Final = 64 * KIB  # largest chunk while other streams wait
CHUNK_ALONE_BYTES: Final = 256 * KIB  # largest chunk while no other stream waits
MAX_CHUNK_BYTES: Final = 256 * KIB
INLINE_BODY_BYTES: Final = 256 * KIB  # a request body up to this size travels inside STREAM_START
# Inline bodies that the host holds and has not sent, of all pages together, in the form they came in (base64). A tab
# holds no more of it than it leaves.
INLINE_POOL_BYTES: Final = 64 * MIB
UPLOAD_CHUNK_BYTES: Final = 64 * KIB

# --- flow control -------------------------------------------------------------------------------------------
WINDOW_FLOOR_BYTES: Final = 32 * KIB  # every stream's own share, from the start and whatever others do
WINDOW_MAX_BYTES: Final = 4 * MIB
FRAME_POOL_BYTES: Final = 8 * MIB  # what the streams of one frame of a tab may borrow above their floors
HOST_POOL_BYTES: Final = 16 * MIB  # what all streams may borrow above their floors
READ_AHEAD_BYTES: Final = 12 * MIB  # what all streams together may hold ready for the pipe
# What the decoder of a content coding keeps. Every stream's own share is enough for gzip and deflate; brotli may want
# 19 MiB and zstd 9, which a stream gets from what its frame and the host have left. A tab holds no more of it than it
# leaves.
DECODER_FLOOR_BYTES: Final = 64 * KIB
DECODER_FRAME_POOL_BYTES: Final = 48 * MIB
DECODER_HOST_POOL_BYTES: Final = 128 * MIB
UPLOAD_WINDOW_BYTES: Final = 256 * KIB  # to begin with
UPLOAD_WINDOW_MAX_BYTES: Final = 2 * MIB  # of a body whose server takes all that comes
# An acknowledgement costs a message through four processes, so it waits until it moves this part of the
# window.
ACK_WINDOW_DIVISOR: Final = 4

# --- sockets ------------------------------------------------------------------------------------------------
# One message of a WebSocket, whole: what a grant allows that says nothing, and the most that one may allow. A page puts
# no more than the latter together at a time, of all its sockets.
SOCKET_MESSAGE_BYTES: Final = 16 * MIB
MAX_SOCKET_MESSAGE_BYTES: Final = 64 * MIB
MAX_SUBPROTOCOLS: Final = 64
# Page origins that a browser's administrator leaves open.
MAX_SWITCHED_PAGES: Final = 4096
# Before each part of a message in the body of a socket's stream: one byte for what it is, four for its length.
SOCKET_PART_HEAD_BYTES: Final = 5
MAX_CLOSE_REASON_BYTES: Final = 123  # RFC 6455 section 5.5: 125, of which the code takes two

# --- durable requests ---------------------------------------------------------------------------------------
MAX_DURABLE_KEY_CHARS: Final = 128
MAX_DURABLE_KEYS: Final = 256  # that the pages of one entry of a grant's `pages` have at a time

# --- recordings ---------------------------------------------------------------------------------------------
# Of one recording, and of all that the extension keeps: bytes of bodies, and for each line what it takes beside them.
MAX_RECORDING_BYTES: Final = 64 * MIB
MAX_RECORDINGS_BYTES: Final = 256 * MIB
RECORDING_LINE_BYTES: Final = 64
# Of a body, in one line; what came in one piece that is larger is several lines of one time.
MAX_RECORDED_PIECE_BYTES: Final = 256 * KIB
# Of a line in a file: JSON writes a control character as six, and a head's fields beside it.
MAX_RECORDING_LINE_CHARS: Final = 2 * MIB
MAX_RECORDED_STREAMS: Final = 10_000

# --- counts -------------------------------------------------------------------------------------------------
MAX_STREAMS_PER_TAB_FRAME: Final = 256
MAX_STREAMS_PER_HOST: Final = 1024
# The last slots of the host go only to tabs that hold no more than they leave: one page, however many frames it makes,
# finds 1,000, and the next tab half of these.
RESERVED_STREAMS: Final = 24
MAX_REDIRECTS: Final = 10

# --- time ---------------------------------------------------------------------------------------------------
# Where neither page nor grant says: as long as the clients of language models wait by themselves. What fails earlier
# they send again, and a slow answer is paid for twice.
HEADER_TIMEOUT_MS: Final = 600_000
MAX_TIMEOUT_MS: Final = 24 * 3600 * 1000
PING_INTERVAL_MS: Final = 20_000
PEER_SILENCE_MS: Final = 45_000  # no frame for this long while streams live: the other end is gone
# How long the worker keeps the native port without streams. Not under a minute: a grant's requests per minute are
# counted in the host, and a page that waits for its end must not find the count forgotten.
LINGER_MS: Final = 60_000
EXIT_DEADLINE_MS: Final = 1_500  # stdin EOF to process end; Chromium kills at 2,000
