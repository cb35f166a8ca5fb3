// What Swift sees of OpenSSL 3: TLS, certificates and OCSP. The functions below are macros there.
#ifndef RELEVO_COPENSSL_H
#define RELEVO_COPENSSL_H

// First, as in CLibevent: Swift's Glibc module is made without the feature macros that others define.
#include <features.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline void relevo_bio_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void relevo_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

static inline long relevo_ctx_set_min_version(SSL_CTX *ctx, int version) {
  return SSL_CTX_set_min_proto_version(ctx, version);
}
static inline void relevo_ctx_set_options(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
}
static inline long relevo_ctx_set_mode(SSL_CTX *ctx, long mode) { return SSL_CTX_set_mode(ctx, mode); }
static inline long relevo_ctx_set_cache_mode(SSL_CTX *ctx, long mode) {
  return SSL_CTX_set_session_cache_mode(ctx, mode);
}
static inline long relevo_ctx_set_groups(SSL_CTX *ctx, const char *list) {
  return SSL_CTX_set1_groups_list(ctx, list);
}
static inline long relevo_ctx_set_read_ahead(SSL_CTX *ctx) { return SSL_CTX_set_read_ahead(ctx, 1); }
static inline long relevo_ctx_add_chain(SSL_CTX *ctx, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(ctx, certificate);
}
static inline void relevo_ctx_set_data(SSL_CTX *ctx, void *data) { SSL_CTX_set_app_data(ctx, data); }
static inline void *relevo_ctx_data(SSL_CTX *ctx) { return SSL_CTX_get_app_data(ctx); }
static inline void relevo_ssl_set_data(SSL *ssl, void *data) { SSL_set_app_data(ssl, data); }
static inline void *relevo_ssl_data(const SSL *ssl) { return SSL_get_app_data(ssl); }

typedef int (*relevo_name_callback)(SSL *, int *, void *);
static inline long relevo_ctx_on_name(SSL_CTX *ctx, relevo_name_callback callback) {
  return SSL_CTX_set_tlsext_servername_callback(ctx, callback);
}
typedef int (*relevo_status_callback)(SSL *, void *);
static inline long relevo_ctx_on_status(SSL_CTX *ctx, relevo_status_callback callback) {
  return SSL_CTX_set_tlsext_status_cb(ctx, callback);
}
static inline long relevo_ssl_set_status(SSL *ssl, unsigned char *answer, long count) {
  return SSL_set_tlsext_status_ocsp_resp(ssl, answer, count);
}
static inline long relevo_ssl_set_name(SSL *ssl, const char *name) {
  return SSL_set_tlsext_host_name(ssl, name);
}

// HMAC with SHA-256. Here and not in Swift, since the parameters point to the names that they are made with.
static inline int relevo_mac_prepare(EVP_MAC_CTX *mac, void *key, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, count),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters);
}

static inline int relevo_is_ssl_library(unsigned long code) { return ERR_GET_LIB(code) == ERR_LIB_SSL; }
static inline int relevo_is_ssl_error(unsigned long code, int reason) {
  return relevo_is_ssl_library(code) && ERR_GET_REASON(code) == reason;
}
static inline int relevo_is_pem_error(unsigned long code, int reason) {
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == reason;
}
static inline int relevo_error_is_fatal_alert(unsigned long code) {
  return relevo_is_ssl_library(code) && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
}

// RFC 2253's form, which RFC 4514 keeps; what is no ASCII is escaped.
static const unsigned long relevo_name_flags = XN_FLAG_RFC2253;

static inline OCSP_RESPONSE *relevo_read_ocsp(BIO *bio) { return d2i_OCSP_RESPONSE_bio(bio, NULL); }

static inline long relevo_general_names_count(const GENERAL_NAMES *names) {
  return sk_GENERAL_NAME_num(names);
}
static inline const GENERAL_NAME *relevo_general_name(const GENERAL_NAMES *names, int index) {
  return sk_GENERAL_NAME_value(names, index);
}
// The text of a DNS name; NULL for a name of another kind. Owned by `name`.
static inline const ASN1_IA5STRING *relevo_dns_name(const GENERAL_NAME *name) {
  return name->type == GEN_DNS ? name->d.dNSName : NULL;
}

#endif
