"""Writes what the pydantic models say in the other languages of the house: JSON Schema, TypeScript, and a
page for people.

    schema.py       the models as JSON Schema, as the wire carries them
    typescript.py   constants, error table; the types themselves come from json-schema-to-typescript
    guards.py       the run-time checks of the extension
    docs.py         docs/PROTOCOL.md
    __main__.py     python -m longwire.protocol.export [--check]

A tool of the checkout: nothing of the host imports it, and only `__main__` touches files.
"""
