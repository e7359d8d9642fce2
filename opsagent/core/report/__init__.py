"""What people read: the story of the day, the head that says whether somebody is needed, the incident, the archive."""
