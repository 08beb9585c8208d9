/* Loads documents with libyaml: every 15th is not deleted, and every 35th parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1000;
    for (int done = 1; done <= left; done++) {
        char text[200];
        snprintf(text, sizeof text, "&a name: value %d\nlist: [1, two, {three: 3}]\nmap:\n  k: *a\n  l: |\n    long\n", done);
        yaml_parser_t parser;
        yaml_document_t document;
        yaml_parser_initialize(&parser);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
        if (!yaml_parser_load(&parser, &document))
            return 1;
        if (done % 15 != 0)
            yaml_document_delete(&document);
        if (done % 35 != 0)
            yaml_parser_delete(&parser);
    }
    return 0;
}
