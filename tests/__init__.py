"""The checks: tests are sentences, and speak to real databases, mail servers and browsers."""
