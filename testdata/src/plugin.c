/* A plug-in without allocations of its own: loading it makes the dynamic loader allocate. */
int plugin_version(void)
{
    return 1;
}
