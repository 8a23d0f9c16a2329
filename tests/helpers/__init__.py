"""What tests share: tiny models, small copies of benchmarks and of the hub, synthetic results."""
