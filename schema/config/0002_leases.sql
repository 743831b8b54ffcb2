-- Work that only one of several programs on the same stores may do at a time: who does it, and until when that holds.

CREATE TABLE leases (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
