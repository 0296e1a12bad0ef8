#!/usr/bin/perl
# One call by WWW::Facebook::API as it is: client.pl URI KIND FORMAT SECRET SESSION_KEY API_KEY METHOD [NAME VALUE]...
# Prints three lines: whether the client took the call for a success, its last error, the response as the client gives it.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8);
use WWW::Facebook::API;

my ( $uri, $kind, $format, $secret, $session_key, $api_key, $method, %params ) = map { decode_utf8($_) } @ARGV;
my $client = WWW::Facebook::API->new(
    api_key      => $api_key,
    secret       => $secret,
    session_key  => $session_key,
    desktop      => $kind eq 'desktop' ? 1 : 0,
    format       => $format,
    parse        => $format eq 'JSON' ? 1 : 0,
    throw_errors => 0,
    server_uri   => $uri,
);
my $response
    = $method eq 'liveMessage.send' ? $client->livemessage->send(%params)
    :                                 $client->call( $method, %params );
$response = q{} if !defined $response;
$response = "error_code $response->{error_code}" if ref $response eq 'HASH';
binmode STDOUT, ':encoding(UTF-8)';
print $client->last_call_success ? "ok\n" : "failed\n", defined $client->last_error ? $client->last_error : q{}, "\n", $response,
    "\n";
