"""Tasks: cards of benchmarks, their examples, and the prompts made of them. No torch."""
