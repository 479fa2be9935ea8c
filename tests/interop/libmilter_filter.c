/*
 * A filter on libmilter that uses every callback and every action. Usage: libmilter_filter SOCKET [STEPS]
 *
 * What it does is told by what it is asked: the local part of the envelope sender, the name of the SMTP client, the
 * argument of HELO or the unknown command. "STAGE-VERDICT" gives that verdict at that stage, "mail-reject" say; the
 * other words stand in end_of_message(). STEPS are the protocol steps that are asked for, in hexadecimal.
 *
 * Each callback writes a line: its name and arguments. Lines are flushed, so that they can be waited for.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

struct filter {
    char word[64];
    unsigned long steps;
};

static unsigned long wanted_steps;

static struct filter *filter_of(SMFICTX *ctx)
{
    struct filter *filter = smfi_getpriv(ctx);
    if (filter == NULL) {
        fprintf(stderr, "no private data\n");
        abort();
    }
    return filter;
}

/* A macro, or "-" where there is none. */
static const char *macro(SMFICTX *ctx, char *name)
{
    const char *value = smfi_getsymval(ctx, name);
    return value == NULL ? "-" : value;
}

/* What is answered to a command whose reply may have been switched off. */
static sfsistat say(SMFICTX *ctx, unsigned long no_reply, sfsistat status)
{
    return filter_of(ctx)->steps & no_reply ? SMFIS_NOREPLY : status;
}

/* The verdict, if the word is one for this stage. */
static sfsistat act(SMFICTX *ctx, const char *stage, const char *word, unsigned long no_reply)
{
    size_t length = strlen(stage);
    if (strncmp(word, stage, length) != 0 || word[length] != '-')
        return say(ctx, no_reply, SMFIS_CONTINUE);
    word += length + 1;
    if (strcmp(word, "accept") == 0)
        return SMFIS_ACCEPT;
    if (strcmp(word, "discard") == 0)
        return SMFIS_DISCARD;
    if (strcmp(word, "reject") == 0)
        return SMFIS_REJECT;
    if (strcmp(word, "tempfail") == 0)
        return SMFIS_TEMPFAIL;
    if (strcmp(word, "skip") == 0)
        return SMFIS_SKIP;
    if (strcmp(word, "reply") == 0) {
        smfi_setreply(ctx, "554", "5.7.1", "100%% refused");
        return SMFIS_REJECT;
    }
    if (strcmp(word, "later") == 0) {
        smfi_setreply(ctx, "451", NULL, "come back");
        return SMFIS_TEMPFAIL;
    }
    if (strcmp(word, "lines") == 0) {
        smfi_setmlreply(ctx, "550", "5.7.0", "one", "two", "three", NULL);
        return SMFIS_REJECT;
    }
    if (strcmp(word, "stale") == 0) { /* a reply that does not fit the verdict */
        smfi_setreply(ctx, "451", "4.7.1", "never");
        return SMFIS_REJECT;
    }
    return say(ctx, no_reply, SMFIS_CONTINUE);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    struct filter *filter = calloc(1, sizeof *filter);
    (void)f2, (void)f3;
    printf("negotiate %#lx %#lx\n", actions, steps);
    smfi_setpriv(ctx, filter);
    *use_actions = actions;
    *use_steps = filter->steps = wanted_steps & steps;
    *use_f2 = *use_f3 = 0;
    if (actions & SMFIF_SETSYMLIST) {
        smfi_setsymlist(ctx, SMFIM_CONNECT, "j {client_ptr}");
        smfi_setsymlist(ctx, SMFIM_HELO, "{tls_version}");
        smfi_setsymlist(ctx, SMFIM_ENVFROM, "i {auth_authen}");
        smfi_setsymlist(ctx, SMFIM_ENVRCPT, "{rcpt_mailer}");
        smfi_setsymlist(ctx, SMFIM_DATA, "{data_macro}");
        smfi_setsymlist(ctx, SMFIM_EOH, "{eoh_macro}");
        smfi_setsymlist(ctx, SMFIM_EOM, "{msg_id} i");
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    char text[INET6_ADDRSTRLEN] = "-";
    unsigned port = 0;
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = ntohs(in->sin_port);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        port = ntohs(in->sin6_port);
    }
    printf("connect %s %s %u j=%s ptr=%s i=%s\n", host, text, port, macro(ctx, "j"), macro(ctx, "{client_ptr}"),
           macro(ctx, "i"));
    return act(ctx, "connect", host, SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    printf("helo %s tls=%s\n", name, macro(ctx, "{tls_version}"));
    return act(ctx, "helo", name, SMFIP_NR_HELO);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *line)
{
    printf("unknown %s\n", line);
    return act(ctx, "unknown", line, SMFIP_NR_UNKN);
}

static void print_arguments(char **arguments)
{
    for (; *arguments != NULL; arguments++)
        printf(" %s", *arguments);
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct filter *filter = filter_of(ctx);
    const char *local = arguments[0] + (arguments[0][0] == '<');
    snprintf(filter->word, sizeof filter->word, "%.*s", (int)strcspn(local, "@>"), local);
    printf("mail");
    print_arguments(arguments);
    printf(" i=%s auth=%s\n", macro(ctx, "i"), macro(ctx, "{auth_authen}"));
    return act(ctx, "mail", filter->word, SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    printf("rcpt");
    print_arguments(arguments);
    printf(" mailer=%s\n", macro(ctx, "{rcpt_mailer}"));
    return act(ctx, "rcpt", filter_of(ctx)->word, SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
    printf("data macro=%s\n", macro(ctx, "{data_macro}"));
    return act(ctx, "data", filter_of(ctx)->word, SMFIP_NR_DATA);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    printf("header %s:", name);
    for (; *value != '\0'; value++)
        *value == '\n' ? fputs("\\n", stdout) : putchar(*value);
    putchar('\n');
    return act(ctx, "header", filter_of(ctx)->word, SMFIP_NR_HDR);
}

static sfsistat on_end_of_headers(SMFICTX *ctx)
{
    printf("eoh macro=%s\n", macro(ctx, "{eoh_macro}"));
    return act(ctx, "eoh", filter_of(ctx)->word, SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t length)
{
    (void)chunk;
    printf("body %zu\n", length);
    return act(ctx, "body", filter_of(ctx)->word, SMFIP_NR_BODY);
}

/* Says if libmilter did not do what was wanted, and with what. */
static void did(int result, const char *what)
{
    if (result != MI_SUCCESS)
        printf("failed %s\n", what);
}

static void replace_body(SMFICTX *ctx, const char *body, size_t length)
{
    did(smfi_replacebody(ctx, (unsigned char *)body, (int)length), "replacebody");
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    const char *word = filter_of(ctx)->word;
    int all = strcmp(word, "everything") == 0;
    printf("eom id=%s i=%s\n", macro(ctx, "{msg_id}"), macro(ctx, "i"));
    if (all || strcmp(word, "addheader") == 0) {
        did(smfi_addheader(ctx, "X-Added", "first\n\tfolded"), "addheader");
        did(smfi_addheader(ctx, "X-Spaced", " spaced"), "addheader");
    }
    if (all || strcmp(word, "insheader") == 0) {
        did(smfi_insheader(ctx, 0, "X-Top", "top"), "insheader");
        did(smfi_insheader(ctx, 2, "X-Third", "third"), "insheader");
        did(smfi_insheader(ctx, 1000, "X-Last", "last"), "insheader");
    }
    if (all || strcmp(word, "chgheader") == 0) {
        did(smfi_chgheader(ctx, "subject", 1, "changed"), "chgheader");
        did(smfi_chgheader(ctx, "X-Twice", 2, NULL), "chgheader");
        did(smfi_chgheader(ctx, "X-None", 1, "appended"), "chgheader");
        did(smfi_chgheader(ctx, "X-Missing", 1, ""), "chgheader");
    }
    if (all || strcmp(word, "addrcpt") == 0)
        did(smfi_addrcpt(ctx, "<added@example.org>"), "addrcpt");
    if (all || strcmp(word, "addrcpt_par") == 0)
        did(smfi_addrcpt_par(ctx, "<par@example.org>", "NOTIFY=NEVER ORCPT=rfc822;o@example.org"), "addrcpt_par");
    if (all || strcmp(word, "delrcpt") == 0)
        did(smfi_delrcpt(ctx, "<rcpt@example.org>"), "delrcpt");
    if (all || strcmp(word, "chgfrom") == 0)
        did(smfi_chgfrom(ctx, "<changed@example.com>", NULL), "chgfrom");
    if (strcmp(word, "chgfrom_args") == 0)
        did(smfi_chgfrom(ctx, "<changed@example.com>", "RET=HDRS ENVID=q"), "chgfrom");
    if (all || strcmp(word, "progress") == 0)
        did(smfi_progress(ctx), "progress");
    if (all || strcmp(word, "quarantine") == 0)
        did(smfi_quarantine(ctx, "looks odd"), "quarantine");
    if (all || strcmp(word, "replacebody") == 0) {
        replace_body(ctx, "one\r\n", 5);
        replace_body(ctx, "two\r\n", 5);
    }
    if (strcmp(word, "emptybody") == 0)
        replace_body(ctx, "", 0);
    if (strcmp(word, "longbody") == 0) {
        char *body = malloc(200000);
        for (size_t at = 0; at < 200000; at++)
            body[at] = at % 80 == 78 ? '\r' : at % 80 == 79 ? '\n' : (char)('a' + at % 26);
        replace_body(ctx, body, 200000);
        free(body);
    }
    return act(ctx, "eom", word, 0);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    (void)ctx;
    puts("abort");
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    /* Nothing is freed: after SMFIC_QUIT_NC another SMTP session follows, without another negotiation. */
    (void)ctx;
    puts("close");
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc description = {
        "every callback", SMFI_VERSION, SMFIF_NONE, on_connect, on_helo, on_mail, on_rcpt, on_header,
        on_end_of_headers, on_body, on_end_of_message, on_abort, on_close, on_unknown, on_data, on_negotiate,
    };
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2)
        return 64;
    wanted_steps = argc > 2 ? strtoul(argv[2], NULL, 16) : 0;
    description.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR
                             | SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_CHGFROM | SMFIF_SETSYMLIST;
    if (smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(description) == MI_FAILURE)
        return 70;
    return smfi_main();
}
