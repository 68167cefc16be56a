"""A CapturedModel <-> a versioned folder; knows no notebook, process or HTTP."""
