"""Other people's clients, unmodified, from npm, over `longwire.fetch` and `longwire.WebSocket` and over the browser's own."""
