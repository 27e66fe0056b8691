// The session extension, which records what a transaction changed: Debian's library has it.
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast that Swift cannot import.
static inline sqlite3_destructor_type apus_sqlite_transient(void) { return SQLITE_TRANSIENT; }
static inline sqlite3_destructor_type apus_sqlite_static(void) { return SQLITE_STATIC; }

// sqlite3_db_config is variadic. A name in double quotes that names nothing is an error, not a text, and no SQL
// can damage the file.
static inline int apus_sqlite_harden(sqlite3 *db) {
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    return code;
}

// A connection that writes what another file's transactions changed: foreign keys and triggers did their work there, and
// the tables beneath a virtual table are written like others.
static inline int apus_sqlite_follow(sqlite3 *db) {
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, (int *)0);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, (int *)0);
    return code;
}
