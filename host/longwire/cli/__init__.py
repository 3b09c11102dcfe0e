"""What people type: `longwire install`, `policy`, `demo` and so on. Never on the host's start path."""
