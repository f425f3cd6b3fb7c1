"""The worker process: it alone imports the speech library and holds the device."""
