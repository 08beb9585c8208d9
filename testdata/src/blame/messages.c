/* Lines of a GLib program that answer for what the library allocates for them.

   Each line with a mark is to be one row, and no other line of this file any. The reason stands behind the mark.
   Takes how often everything happens. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

struct message {
    int number;
    char *sender;
};

static GList *list;
static GSList *stack;
static GHashTable *table;
static GQueue *queue;
static GTree *tree;
static GString *text;
static GArray *numbers;
static GPtrArray *pointers;
static void *volatile kept;

static gint order(gconstpointer a, gconstpointer b)
{
    return GPOINTER_TO_INT(a) - GPOINTER_TO_INT(b);
}

/* One size, whoever calls it: what leaks is made here. */
NOINLINE static struct message *message_new(int number)
{
    struct message *message = g_slice_new0(struct message); /* message: the object */
    message->number = number;
    message->sender = g_strdup("somebody"); /* sender: its name */
    return message;
}

NOINLINE static void receive(int i)
{
    list = g_list_prepend(list, message_new(i)); /* receive: a node of the list */
}

NOINLINE static void push(int i)
{
    stack = g_slist_prepend(stack, GINT_TO_POINTER(i)); /* push: a node */
    g_queue_push_tail(queue, g_memdup2(&i, sizeof i)); /* enqueue: a node, and a copy */
}

NOINLINE static void note(int i)
{
    char *key = g_strdup_printf("key %d", i); /* key: the text */
    g_hash_table_insert(table, key, g_new0(int, 10)); /* note: the value; the table grows */
    g_tree_insert(tree, GINT_TO_POINTER(i + 1), key); /* branch: a node */
}

NOINLINE static void log_line(int i)
{
    g_string_append_printf(text, "line %d\n", i); /* append: the text grows */
    g_array_append_val(numbers, i); /* number: the array grows */
    g_ptr_array_add(pointers, g_strconcat("a", "b", NULL)); /* pointer: the array grows, and a text */
}

NOINLINE static void split(void)
{
    kept = g_strsplit("one,two,three", ",", 0); /* split: four blocks a time */
    kept = g_strjoin("-", "one", "two", NULL); /* join: a text */
}

NOINLINE static void wrap(int i)
{
    kept = g_variant_new_int32(i); /* variant: what is not freed of it */
    kept = g_bytes_new("bytes", 5); /* bytes: and a copy of the data */
    kept = g_error_new(g_quark_from_static_string("app"), i, "error %d", i); /* error: and its text */
}

NOINLINE static void tick(void)
{
    kept = g_timer_new(); /* timer: an object of the library */
    kept = g_date_time_new_now_utc(); /* time: another one */
    kept = g_build_filename("a", "b", NULL); /* path: a text */
    kept = g_base64_encode((const guchar *)"data", 4); /* base64: a text */
    kept = g_utf8_strup("name", -1); /* upper: a text */
}

int main(int argc, char **argv)
{
    table = g_hash_table_new(g_str_hash, g_str_equal); /* TABLE: the table itself */
    queue = g_queue_new(); /* QUEUE: the queue itself */
    tree = g_tree_new(order); /* TREE: the tree itself */
    text = g_string_new(""); /* TEXT: the text itself */
    numbers = g_array_new(FALSE, FALSE, sizeof(int)); /* NUMBERS: the array itself */
    pointers = g_ptr_array_new(); /* POINTERS: the array itself */
    for (int i = 0; i < atoi(argv[1]); i++) {
        receive(i);
        push(i);
        note(i);
        log_line(i);
        split();
        wrap(i);
        tick();
    }
    _exit(kept == NULL);
}
