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
