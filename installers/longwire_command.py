"""What is frozen beside the host: the program that people type."""

from longwire.cli.main import main

main()
