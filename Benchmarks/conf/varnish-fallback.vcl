# Varnish asks the new site and, on its 404, starts again with the old one. It keeps nothing.
vcl 4.1;

backend new_site {
  .host = "127.0.0.1";
  .port = "@new_port@";
}

backend old_site {
  .host = "127.0.0.1";
  .port = "@old_port@";
}

sub vcl_recv {
  set req.http.X-Forwarded-Proto = "http";
  if (req.restarts > 0) {
    set req.backend_hint = old_site;
  } else {
    set req.backend_hint = new_site;
  }
  return (pass);
}

sub vcl_deliver {
  if (resp.status == 404 && req.restarts == 0) {
    return (restart);
  }
}
