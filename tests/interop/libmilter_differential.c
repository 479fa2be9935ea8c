/*
 * A filter on libmilter whose answers follow from what it is told: tests/src/differential/filter.rs is the same filter
 * on our library, number by number. Usage: libmilter_differential SOCKET TRACE SILENT UNWANTED ABILITIES
 *
 * SILENT and UNWANTED are the letters of commands that are told without being answered, and not told at all; ABILITIES
 * are protocol bits, in hexadecimal. What is told is appended to the file TRACE, a line each: the letter, the digest of
 * what came with it, the digest of the macros, and the client's address. A line is written before the answer, and the
 * last one before the connection is closed, so who has seen that can read all of them.
 */
#include <libmilter/mfapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>

struct stage {
    char letter;
    unsigned long off, no_reply;
    unsigned odds;       /* of 256, for another answer than continue */
    const char *answers; /* which ones */
};

static const struct stage stages[] = {
    {'C', SMFIP_NOCONNECT, SMFIP_NR_CONN, 10, "artyzm"}, {'H', SMFIP_NOHELO, SMFIP_NR_HELO, 10, "artyzm"},
    {'M', SMFIP_NOMAIL, SMFIP_NR_MAIL, 20, "ardtyzm"},   {'R', SMFIP_NORCPT, SMFIP_NR_RCPT, 40, "ardtyzm"},
    {'T', SMFIP_NODATA, SMFIP_NR_DATA, 10, "ardtyzm"},   {'L', SMFIP_NOHDRS, SMFIP_NR_HDR, 6, "ardtyzm"},
    {'N', SMFIP_NOEOH, SMFIP_NR_EOH, 10, "ardtyzm"},     {'B', SMFIP_NOBODY, SMFIP_NR_BODY, 60, "ardtyzmss"},
    {'E', 0, 0, 80, "ardtyzm"},                          {'U', SMFIP_NOUNKNOWN, SMFIP_NR_UNKN, 128, "rtyzm"},
};

static const char *const looked_up[] = {"j", "i", "{client_addr}", "{tls_version}", "{mail_addr}", "{rcpt_addr}",
                                        "{auth_type}", "{msg_id}"};

struct filter {
    unsigned long steps; /* that were agreed */
    uint64_t sender;     /* digest of the last one */
};

static int trace;
static const char *silent, *unwanted;
static unsigned long abilities;

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* FNV-1a */
static const uint64_t nothing = 0xcbf29ce484222325;

static uint64_t octet(uint64_t digest, unsigned char next)
{
    return (digest ^ next) * 0x100000001b3;
}

static uint64_t octets(uint64_t digest, const void *from, size_t length)
{
    for (const unsigned char *next = from; length > 0; length--)
        digest = octet(digest, *next++);
    return digest;
}

static uint64_t string(uint64_t digest, const char *text)
{
    return octets(digest, text, strlen(text) + 1);
}

static uint64_t strings(uint64_t digest, char **texts)
{
    while (*texts != NULL)
        digest = string(digest, *texts++);
    return digest;
}

static uint64_t macros(SMFICTX *ctx)
{
    uint64_t digest = nothing;
    for (size_t at = 0; at < COUNT(looked_up); at++) {
        const char *value = smfi_getsymval(ctx, (char *)looked_up[at]);
        digest = value == NULL ? octet(digest, 0xff) : string(digest, value);
    }
    return digest;
}

static void write_line(const char *line, size_t length)
{
    if (write(trace, line, length) != (ssize_t)length)
        abort();
}

static void tell(SMFICTX *ctx, char letter, uint64_t digest, const char *address)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%c %016llx %016llx %s\n", letter, (unsigned long long)digest,
                          (unsigned long long)macros(ctx), address);
    write_line(line, (size_t)length);
}

/* Made when it is first needed: libmilter takes some commands before any negotiation. */
static struct filter *filter_of(SMFICTX *ctx)
{
    struct filter *filter = smfi_getpriv(ctx);
    if (filter == NULL) {
        filter = calloc(1, sizeof *filter);
        if (filter == NULL || smfi_setpriv(ctx, filter) != MI_SUCCESS)
            abort();
    }
    return filter;
}

static const struct stage *stage_of(char letter)
{
    const struct stage *stage = stages;
    while (stage->letter != letter)
        stage++;
    return stage;
}

/* The number from which an answer follows. */
static uint64_t number(SMFICTX *ctx, uint64_t digest)
{
    uint64_t number = (digest + 2 * filter_of(ctx)->sender) * 0x9e3779b97f4a7c15;
    return number ^ number >> 32;
}

static char choice(const struct stage *stage, uint64_t number)
{
    return (number & 0xff) >= stage->odds ? 'c' : stage->answers[(number >> 8) % strlen(stage->answers)];
}

static sfsistat say(SMFICTX *ctx, char choice)
{
    switch (choice) {
    case 'c': return SMFIS_CONTINUE;
    case 'a': return SMFIS_ACCEPT;
    case 'd': return SMFIS_DISCARD;
    case 'r': return SMFIS_REJECT;
    case 't': return SMFIS_TEMPFAIL;
    case 's': return SMFIS_SKIP;
    case 'y': return smfi_setreply(ctx, "554", "5.7.1", "100%% refused"), SMFIS_REJECT;
    case 'z': return smfi_setreply(ctx, "451", NULL, "come back"), SMFIS_TEMPFAIL;
    case 'm': return smfi_setmlreply(ctx, "550", "5.7.0", "one", "two", "three", NULL), SMFIS_REJECT;
    }
    abort();
}

/* Tells what came, and answers. */
static sfsistat told(SMFICTX *ctx, char letter, uint64_t digest, const char *address)
{
    const struct stage *stage = stage_of(letter);
    int off = (filter_of(ctx)->steps & stage->off) != 0;
    if (strchr(unwanted, letter) != NULL)
        return off ? SMFIS_CONTINUE : SMFIS_NOREPLY;
    tell(ctx, letter, digest, address);
    if (strchr(silent, letter) != NULL)
        return SMFIS_NOREPLY;
    return say(ctx, choice(stage, number(ctx, digest)));
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    struct filter *filter = filter_of(ctx);
    (void)f2, (void)f3;
    filter->steps = abilities & steps;
    for (const struct stage *stage = stages; stage < stages + COUNT(stages); stage++) {
        int is_unwanted = strchr(unwanted, stage->letter) != NULL;
        if (is_unwanted && (steps & stage->off))
            filter->steps |= stage->off;
        else if (is_unwanted || strchr(silent, stage->letter) != NULL)
            filter->steps |= stage->no_reply; /* where the MTA cannot do without a reply, libmilter gives one */
    }
    *use_actions = actions
                   & (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR
                      | SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_CHGFROM | SMFIF_SETSYMLIST);
    *use_steps = filter->steps;
    *use_f2 = *use_f3 = 0;
    if (actions & SMFIF_SETSYMLIST) {
        smfi_setsymlist(ctx, SMFIM_CONNECT, "j {client_addr}");
        smfi_setsymlist(ctx, SMFIM_EOM, "{msg_id} i");
        smfi_setsymlist(ctx, SMFIM_EOH, "{msg_id} i"); /* our library asks for it where it asks for the other */
    }
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    char ip[INET6_ADDRSTRLEN] = "", text[200] = "U";
    if (address != NULL && address->sa_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(text, sizeof text, "4 %s %u", ip, ntohs(in->sin_port));
    } else if (address != NULL && address->sa_family == AF_INET6) {
        const uint16_t *words = (const uint16_t *)&((struct sockaddr_in6 *)address)->sin6_addr;
        int length = snprintf(text, sizeof text, "6");
        for (int at = 0; at < 8; at++)
            length += snprintf(text + length, sizeof text - length, " %x", ntohs(words[at]));
        snprintf(text + length, sizeof text - length, " %u", ntohs(((struct sockaddr_in6 *)address)->sin6_port));
    } else if (address != NULL) {
        const char *path = ((struct sockaddr_un *)address)->sun_path;
        snprintf(text, sizeof text, "L %016llx", (unsigned long long)string(nothing, path));
    }
    return told(ctx, 'C', string(nothing, host), text);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    return told(ctx, 'H', string(nothing, name), "");
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    uint64_t digest = strings(nothing, arguments);
    if (strchr(unwanted, 'M') == NULL)
        filter_of(ctx)->sender = digest;
    return told(ctx, 'M', digest, "");
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    return told(ctx, 'R', strings(nothing, arguments), "");
}

static sfsistat on_data(SMFICTX *ctx)
{
    return told(ctx, 'T', octet(nothing, 'T'), "");
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    return told(ctx, 'L', string(string(nothing, name), value), "");
}

static sfsistat on_end_of_headers(SMFICTX *ctx)
{
    return told(ctx, 'N', octet(nothing, 'N'), "");
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t length)
{
    return told(ctx, 'B', octets(nothing, chunk, length), "");
}

static sfsistat on_unknown(SMFICTX *ctx, const char *line)
{
    return told(ctx, 'U', string(nothing, line), "");
}

/* What was not agreed fails, and is left out here as there. */
static void modify(SMFICTX *ctx, uint64_t bits)
{
    char value[32];
    snprintf(value, sizeof value, "%016llx", (unsigned long long)filter_of(ctx)->sender);
    if (bits & 1)
        smfi_addheader(ctx, "X-Sender", value);
    if (bits & 2)
        smfi_insheader(ctx, 1, "X-First", "one\n\ttwo");
    if (bits & 4)
        smfi_chgheader(ctx, "Subject", 1, value);
    if (bits & 8)
        smfi_chgheader(ctx, "X-Gone", 2, NULL);
    if (bits & 16)
        smfi_addrcpt(ctx, "<added@example.org>");
    if (bits & 32)
        smfi_addrcpt_par(ctx, "<par@example.org>", "NOTIFY=NEVER");
    if (bits & 64)
        smfi_delrcpt(ctx, "<deleted@example.org>");
    if (bits & 128)
        smfi_chgfrom(ctx, "<changed@example.com>", NULL);
    if (bits & 256)
        smfi_chgfrom(ctx, "<changed@example.com>", "RET=HDRS");
    if (bits & 512)
        smfi_quarantine(ctx, "looks odd");
    if (bits & 1024)
        smfi_replacebody(ctx, (unsigned char *)"new\r\n", bits & 2048 ? 0 : 5);
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    const struct stage *stage = stage_of('E');
    uint64_t digest = octet(nothing, 'E');
    uint64_t drawn = number(ctx, digest);
    char chosen = choice(stage, drawn);
    tell(ctx, 'E', digest, "");
    if (chosen == 'c' || chosen == 'a')
        modify(ctx, drawn >> 16 & drawn >> 32);
    return say(ctx, chosen);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    (void)ctx;
    write_line("A\n", 2);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    filter_of(ctx)->sender = 0; /* not freed: after SMFIC_QUIT_NC another SMTP session follows */
    write_line("Q\n", 2);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc description = {
        "differential", SMFI_VERSION, SMFIF_NONE, on_connect, on_helo, on_mail, on_rcpt, on_header,
        on_end_of_headers, on_body, on_end_of_message, on_abort, on_close, on_unknown, on_data, on_negotiate,
    };
    if (argc != 6)
        return 64;
    trace = open(argv[2], O_WRONLY | O_APPEND);
    silent = argv[3];
    unwanted = argv[4];
    abilities = strtoul(argv[5], NULL, 16);
    description.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR
                             | SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_CHGFROM | SMFIF_SETSYMLIST;
    if (trace < 0 || smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(description) == MI_FAILURE)
        return 70;
    return smfi_main();
}
