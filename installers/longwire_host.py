"""What is frozen: the program that the browser starts."""

from longwire.native.main import main

main()
