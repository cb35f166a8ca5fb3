/// The prose of `relevo --help` and `relevo serve --help`. Lines fit a terminal of 80 columns.
enum HelpPages {
  static let relevo = """
    Relevo stands in front of two websites: the new one and the one being left. It
    asks the new one first. Only when that answers 404 does it pass the same
    request to the old one, before the visitor has received a byte: same URL, no
    redirect, no cookie. It remembers which URLs live on the old site, goes
    straight there the next time, and can keep that memory in a file.

    TRY IT:
      relevo demo
      curl -i http://localhost:8080/noexiste.html

    RUN IT:
      relevo serve --listen 0.0.0.0:8080 --map-file /var/lib/relevo/urls.map \\
        --new http://10.0.0.2:8080 --new http://10.0.0.3:8080 --old http://10.0.0.9

    BEFORE THE START:
      relevo check --new http://10.0.0.2:8080 --new http://10.0.0.3:8080 \\
        --old http://10.0.0.9 --public-host www.example.com

    LOOK AT WHAT IT HAS LEARNED:
      relevo map list --map-file /var/lib/relevo/urls.map --sort hits --limit 20

    WHAT A REQUEST GETS:
      the new site has the page              the new site's answer
      it answers 404, the old site has it    the old answer; the URL is remembered
      both answer 404                        the new site's own 404 page
      it answers 404, the old site is down   the new site's own 404; it is logged
      the URL is remembered                  the old answer; new is not asked
      remembered, but no longer there        what new says now; it is forgotten
      remembered more than a day ago         new is asked first, once
      the new site cannot be reached         its next server, else 502 or 504; with
                                             --fallback-on 404,unreachable what the
                                             old site has, and 503 for the rest

    SIGNALS:
      SIGTERM, SIGINT   Stop: accept nothing more (after --drain-delay), finish
                        what is under way (up to --drain-timeout), write the map
                        file. A second one stops at once, and so does the first
                        when another process has taken over (--takeover).
      SIGUSR1           Write the map file now and open the access log again.
      SIGHUP            Read the files again that --config, --rules-file,
                        --admin-token-file and --admin-user-file name, and go on
                        with what they say. If something is wrong with them, all
                        stays as it was; the log names the line, and what needs a
                        restart.

    EXIT CODES:
      0   Stopped by a signal, or a page like this one was asked for.
      1   relevo map lookup: the URL is unknown. relevo check: there is a problem.
      64  A flag or a variable is wrong.
      65  relevo map: the map file is broken.
      66  relevo map: there is no map file.
      69  An address cannot be listened on, or an origin does not resolve.
      74  Reading or writing failed.
      75  Another Relevo has the map file, or --takeover must wait: try again.
      78  The map file, the access log, a file of settings or a socket that systemd
          hands over cannot be used.
      An error is one line on standard error: what is wrong, what would be right.

    ENVIRONMENT:
      Every flag of serve can be a variable: --map-file is RELEVO_MAP_FILE, and
      so on. Flags that may be given several times take values separated by spaces
      or commas, but RELEVO_NEW and RELEVO_OLD by spaces alone, and
      RELEVO_OLD_MISS_BODY has one text a line; --via and --no-via are
      RELEVO_VIA=true and =false. A flag wins over its variable; an empty variable
      counts as none. relevo map takes the map file from RELEVO_MAP_FILE too.
      Sockets that systemd hands over (LISTEN_FDS) stand in for --listen, or for
      the binding of an address that it names; those named admin are the admin
      plane's.

    CONFIGURATION FILE:
      serve --config FILE reads flags from a file of YAML too:
        new: [http://10.0.0.2:8080, http://10.0.0.3:8080]
        old: http://10.0.0.9
        via: false
      Flags win over variables, variables over the file, the file over defaults.
      serve --check-config says whether all of it is right, and does nothing else.
    """

  static let check = """
    Asks every server of both sites for a few pages, and says in words what would
    keep Relevo from its work and what to do about it: whether each is reached,
    whether the new ones really answer 404 for what they do not have, whether the
    old ones do, whether the paths of the health checks would pass, which cookies
    and well-known paths both have.

      relevo check --new http://10.0.0.2:8080 --old http://10.0.0.9 \\
        --public-host www.example.com

    It changes nothing, and asks each server about a dozen times. Give it the flags
    of serve that bear on the answers of both sites, to see that they help; it
    takes them from the environment as serve does. Exit code 0 says that nothing is
    a problem, 1 that something is.
    """

  static let serve = """
    Give at least one server of each site:

      relevo serve --new http://10.0.0.2:8080 --old http://10.0.0.9

    Times are written 500ms, 10s, 5m, 24h; sizes 64k, 10m, 1g or in bytes. Every
    flag can be given in the environment as RELEVO_ and its name in capitals, with
    _ for -, and in the file of --config; the flag wins over its variable, and that
    over the file. relevo --help explains what a request gets, the signals and the
    exit codes.
    """
}
