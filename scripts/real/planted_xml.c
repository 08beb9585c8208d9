/* Reads small documents with libxml2: every 20th is not freed, nor every 30th result of an XPath, nor every 50th
   text of an attribute. Schemas and dictionaries are made once. */
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int left = argc > 1 ? atoi(argv[1]) : 1000;
    xmlInitParser();
    for (int done = 1; done <= left; done++) {
        char text[300];
        int size = snprintf(text, sizeof text,
            "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY e 'entity'>]><r id='%d'><a b='c' n:d='e' "
            "xmlns:n='urn:n'>text &e; %d</a><!-- note --><b/><?p i?><![CDATA[data]]></r>",
            done, done * 31);
        xmlDocPtr document = xmlReadMemory(text, size, "memory.xml", NULL, XML_PARSE_NOENT);
        if (!document)
            return 1;
        xmlXPathContextPtr context = xmlXPathNewContext(document);
        xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)"/r/*[position() < 3]", context);
        if (done % 30 != 0)
            xmlXPathFreeObject(found);
        xmlXPathFreeContext(context);
        xmlChar *id = xmlGetProp(xmlDocGetRootElement(document), (const xmlChar *)"id");
        if (done % 50 != 0)
            xmlFree(id);
        if (done % 20 != 0)
            xmlFreeDoc(document);
    }
    xmlCleanupParser();
    return 0;
}
