"""The front process: HTTP, the queue and the files. It never loads a model and always answers."""
