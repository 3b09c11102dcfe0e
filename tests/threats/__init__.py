"""One test file per row of the threat table in docs/SECURITY.md, where no unit test is the better place."""
