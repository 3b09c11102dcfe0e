"""Generation without I/O: one request shape to any language model, one event shape back.

requests      a page's request, checked; what is refused, and the fix
templates     a prompt with named fields
prompt        what an adapter is asked to send
fitting       a prompt cut to what is allowed; cutting is where
adapters      one for each kind of provider: openai_responses, chat_completions, anthropic_messages, ollama_chat
decoding      bytes of an answer in any split to parts, over event_stream and json_lines; joining puts pieces together
failures      status, headers and body to a code; words and delays are its tables
retrying      whether a provider is asked again, or another
estimate      tokens before the provider counts them, and at most; prices are what they cost
telling       parts to the events that a page reads

No clock, no loop, no socket: whoever has these hands in what they say. Imported when the first generation begins, and
not before: the host's start is not to wait for it.
"""
