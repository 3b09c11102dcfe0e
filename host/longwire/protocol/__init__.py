"""The wire: frames, message models, error codes and limits. No I/O, no clock, no asyncio.

The models in `messages` are the single source of the protocol. The JSON Schema, the TypeScript types,
constants and guards under `extension/src/protocol` and `docs/PROTOCOL.md` are generated from them by
`longwire.protocol.export`.
"""
