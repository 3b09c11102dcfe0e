"""`longwire demo`: an upstream, a page, a real browser, and the proof that every byte went the whole way."""
