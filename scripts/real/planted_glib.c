/* A server without a network, on GLib's main loop. It leaks three things: every 7th request's name, every 20th
   GError, and a GVariant in every 30th that is referenced once too often. All else is bounded or freed. */
#include <gio/gio.h>

static GMainLoop *loop;
static GHashTable *cache;  /* bounded: keys 0 to 399 */
static GQueue *history;    /* bounded: the last 64 */
static GPtrArray *batch;   /* emptied when it has 500 */
static guint left, done;

static gboolean expire(gpointer data)
{
    g_free(data);
    return G_SOURCE_REMOVE;
}

static gboolean request(gpointer unused)
{
    (void)unused;
    gchar *name = g_strdup_printf("request-%u", done);
    GError *error = NULL;
    gchar *text = NULL;

    guint key = g_random_int_range(0, 400);
    if (!g_hash_table_contains(cache, GUINT_TO_POINTER(key)))
        g_hash_table_insert(cache, GUINT_TO_POINTER(key), g_strnfill(20 + key % 50, 'v'));

    g_queue_push_tail(history, g_strdup(name));
    if (g_queue_get_length(history) > 64)
        g_free(g_queue_pop_head(history));

    g_ptr_array_add(batch, g_uri_escape_string(name, NULL, FALSE));
    if (batch->len == 500)
        g_ptr_array_set_size(batch, 0);

    GVariant *value = g_variant_ref_sink(g_variant_new("(si)", name, (gint)done));
    if (done % 30 == 0)
        g_variant_ref(value); /* leaks */
    g_variant_unref(value);

    GInetAddress *address = g_inet_address_new_from_string("127.0.0.1");
    GSocketAddress *socket = g_inet_socket_address_new(address, 80);
    g_object_unref(socket);
    g_object_unref(address);

    if (!g_file_get_contents("/nowhere", &text, NULL, &error) && done % 20 != 0)
        g_clear_error(&error); /* else it leaks */

    if (done % 5 == 0)
        g_timeout_add(g_random_int_range(1, 30), expire, g_strdup(name));
    if (done % 7 != 0)
        g_free(name); /* else it leaks */

    if (++done < left)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

int main(int argc, char **argv)
{
    left = argc > 1 ? (guint)g_ascii_strtoull(argv[1], NULL, 10) : 1000;
    loop = g_main_loop_new(NULL, FALSE);
    cache = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    history = g_queue_new();
    batch = g_ptr_array_new_with_free_func(g_free);
    g_idle_add(request, NULL);
    g_main_loop_run(loop);
    g_ptr_array_unref(batch);
    g_queue_free_full(history, g_free);
    g_hash_table_unref(cache);
    g_main_loop_unref(loop);
    return 0;
}
