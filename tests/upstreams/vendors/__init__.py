"""Services that other people's clients speak to, in the wire formats that their vendors document.

wire        what one service sends: an answer, a stream in pieces, a refusal, a failure in the stream
stage       which of it goes out, and when: the next piece only after the page has shown the last one
openai      chat completions, responses          anthropic   messages
ollama      chat, newline-delimited JSON          github      REST, and a file as a stream
mcp         Model Context Protocol, streamable HTTP
feed        an event stream that can be resumed, and lines of text
"""
