"""Generation without I/O: one request shape to any language model, one event shape back.

requests      a page's request, checked; what is refused, and the fix     prompt      what an adapter is asked to send
templates     a prompt with named fields                                  cutting     input cut to what is allowed
adapters      one for each kind of provider: openai_responses, chat_completions, anthropic_messages, ollama_chat
decoding      bytes of an answer in any split to parts, over event_stream and json_lines
failures      status, headers, body to a code; words and delays are its tables     retrying    whether to ask again
estimate      tokens before the provider counts them                      prices      what they cost, and at most will
telling       parts to the events that a page reads

No clock, no loop, no socket: whoever has these hands in what they say. Imported when the first generation begins, and
not before: the host's start is not to wait for it.
"""
