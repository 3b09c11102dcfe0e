"""What `longwire doctor` looks at, one concern in each file."""
