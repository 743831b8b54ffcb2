-- What is said once of the whole configuration store. Its `id` tells an event store whose events it holds.
CREATE TABLE store (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
