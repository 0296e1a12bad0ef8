#!/usr/bin/perl
# The desktop flow by WWW::Facebook::API as it is: desktop.pl URI SECRET API_KEY RECIPIENT MESSAGE
# Prints a new token, waits for a line on its input (the person has logged in), buys the session and sends one live message with it.
# Prints the session's uid, then whether the client took the call for a success, then its last error.
use strict;
use warnings;
use WWW::Facebook::API;

$| = 1;
my ( $uri, $secret, $api_key, $recipient, $message ) = @ARGV;
my $client = WWW::Facebook::API->new(
    api_key      => $api_key,
    secret       => $secret,
    desktop      => 1,
    format       => 'JSON',
    parse        => 1,
    throw_errors => 0,
    server_uri   => $uri,
);
my $token = $client->auth->create_token;
print "$token\n";
<STDIN>;
$client->auth->get_session($token);
# That call leaves the address with https in it; nothing of it is our matter.
$client->server_uri($uri);
$client->livemessage->send( recipient => $recipient, event_name => 'hello', message => $message );
print $client->session_uid, "\n", $client->last_call_success ? "ok\n" : "failed\n",
    defined $client->last_error ? $client->last_error : q{}, "\n";
