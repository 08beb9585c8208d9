/* Draws menus and windows with ncurses on a terminal that goes nowhere.
   Leaks: a window below another is not deleted (one screen in 20), nor are the items of a menu that is left by its
   error path (one in 25), nor a form's field (one in 30), nor a panel's window (one in 40, though its panel is deleted).
   No leaks: eight windows that are kept and resized, all other items, fields and panels, a history of 60 screens as
   dumped text. */
#include <curses.h>
#include <form.h>
#include <menu.h>
#include <panel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 600;
    FILE *out = fopen("/dev/null", "w"), *in = fopen("/dev/null", "r");
    SCREEN *screen = newterm("vt100", out, in);
    if (!screen)
        return 1;
    WINDOW *kept[8] = {0};
    char *history[60] = {0};
    for (int done = 1; done <= left; done++) {
        WINDOW **window = &kept[done % 8]; /* bounded: eight */
        if (!*window)
            *window = newwin(8, 30, done % 4, done % 9);
        wresize(*window, 6 + done % 5, 20 + done % 13);
        mvwprintw(*window, 1, 1, "screen %d", done);

        WINDOW *below = derwin(*window, 3, 9, 1, 1);
        if (done % 20 != 0) /* leak: every 20th */
            delwin(below);

        ITEM *items[4] = {new_item("one", "first"), new_item("two", "second"), new_item("three", "third"), NULL};
        MENU *menu = new_menu(items);
        int status = menu ? E_OK : E_SYSTEM_ERROR;
        free_menu(menu);
        if (done % 25 == 0)
            status = E_BAD_STATE;
        if (status == E_OK) /* leak: the error path leaves three items */
            for (int item = 0; item < 3; item++)
                free_item(items[item]);

        FIELD *fields[2] = {new_field(1, 12, 2, 2, 0, 0), NULL};
        set_field_buffer(fields[0], 0, "text");
        FORM *form = new_form(fields);
        free_form(form);
        if (done % 30 != 0) /* leak: every 30th */
            free_field(fields[0]);

        WINDOW *shown = newwin(4, 10, 2, 2);
        PANEL *panel = new_panel(shown);
        update_panels();
        del_panel(panel);
        if (done % 40 != 0) /* leak: every 40th */
            delwin(shown);

        char text[40];
        mvwinnstr(*window, 1, 1, text, 20);
        free(history[done % 60]); /* bounded: the last 60 */
        history[done % 60] = strdup(text);
    }
    for (int window = 0; window < 8; window++)
        if (kept[window])
            delwin(kept[window]);
    endwin();
    delscreen(screen);
    return 0;
}
