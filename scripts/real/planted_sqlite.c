/* A service on a database in a file of 300 rows: every 25th statement is not finalised, every 40th text that SQLite
   hands out is not freed, and every 60th blob is not closed. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1000;
    sqlite3 *database;
    if (sqlite3_open(argc > 2 ? argv[2] : ":memory:", &database) != SQLITE_OK)
        return 1;
    sqlite3_exec(database, "create table if not exists t(id integer primary key, name text, value blob)", 0, 0, 0);
    for (int id = 1; id <= 300; id++) {
        char *insert = sqlite3_mprintf("insert or replace into t values(%d, 'name %d', zeroblob(%d))", id, id, 10 + id);
        sqlite3_exec(database, insert, 0, 0, 0);
        sqlite3_free(insert);
    }
    for (int done = 1; done <= left; done++) {
        sqlite3_stmt *statement;
        sqlite3_prepare_v2(database, "select name, value from t where id = ?1 order by name", -1, &statement, 0);
        sqlite3_bind_int(statement, 1, 1 + done % 300);
        while (sqlite3_step(statement) == SQLITE_ROW)
            ;
        sqlite3_reset(statement);
        if (done % 25 != 0)
            sqlite3_finalize(statement);
        char *text = sqlite3_mprintf("%Q-%d", "it's", done);
        if (done % 40 != 0)
            sqlite3_free(text);
        sqlite3_blob *blob = NULL;
        sqlite3_blob_open(database, "main", "t", "value", 1 + done % 300, 0, &blob);
        if (done % 60 != 0)
            sqlite3_blob_close(blob);
    }
    sqlite3_close(database);
    return 0;
}
