"""What users do, on two real control planes. Each test is a sentence about the command; see docs/testing.md."""
