"""The process that works: jobs, the queue that carries them and the events they cause."""
