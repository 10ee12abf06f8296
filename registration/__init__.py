"""Event registration and RSVP for events in a room and online at once."""
