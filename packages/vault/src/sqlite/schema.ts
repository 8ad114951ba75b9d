/**
 * Wrapped bytes are written once, at the end of `secret`, and overwritten in place when they are destroyed: a row never moves, so no
 * page keeps a copy of it. (In a table ordered by name, SQLite moves rows between pages, and `secure_delete` does not reach the
 * copies that remain.) Only the names are in a table whose rows move.
 */
export const schema = `
  CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS vault (name TEXT PRIMARY KEY, secret INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

export const namesAfter = 'SELECT name FROM vault WHERE name > ? ORDER BY name LIMIT ?'

export const findByName =
  'SELECT secret.wrapped FROM vault JOIN secret ON secret.id = vault.secret WHERE vault.name = ?'
