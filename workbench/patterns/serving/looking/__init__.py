"""What a service shows of itself to those who look: people, their tools, monitors."""
