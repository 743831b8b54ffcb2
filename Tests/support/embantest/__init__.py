"""What the tests from outside share: the program as a process, a small HTTP client, an oracle, and Chromium."""
