"""The protocols that a service is asked in: a request -> a question -> the model's answer as that protocol has it."""
