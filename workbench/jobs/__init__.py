"""What should run -> processes in the background that outlive their notebook, and what they said of themselves."""
