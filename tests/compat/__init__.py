"""Other people's clients, unmodified, from npm, over `longwire.fetch` and over the browser's own fetch."""
