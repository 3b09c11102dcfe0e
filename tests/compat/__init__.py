"""Other people's clients, unmodified, from npm, over `longwire.fetch`, `longwire.WebSocket` and the browser's own."""
